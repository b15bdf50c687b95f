// Knows: how times are told to the reader: in the zone of the browser. Must not know: what happened then.

/** Clocks that differ by more make the times of what happened wrong. */
export const APART_MS = 60_000;

const minute = { hour: '2-digit', minute: '2-digit' };
const day = { day: 'numeric', month: 'short' };
const whole = { dateStyle: 'medium', timeStyle: 'medium' };
/** By `data-form`: short ones, where the place is; the whole one, where the day matters too. */
const FORMS = { clock: minute, day, moment: { ...day, ...minute }, whole };

/** Times in the reader's own zone; the whole date on hover. */
export function localTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const date = new Date(time.getAttribute('datetime'));
    if (Number.isNaN(date.getTime())) continue;
    if (time.dataset.countdown !== undefined || time.dataset.age !== undefined) continue;
    const form = FORMS[time.dataset.form];
    if (form !== undefined) {
      time.textContent = date.toLocaleString([], form);
      continue;
    }
    const today = date.toDateString() === new Date().toDateString();
    const text = date.toLocaleString([], whole);
    time.textContent = today ? date.toLocaleTimeString() : text;
    time.title = text;
  }
}

localTimes(document);
