// Shows times in the browser's time zone.

/** If clocks differ by more, times on the page may be wrong. Milliseconds. */
export const APART_MS = 60_000;

const minute = { hour: '2-digit', minute: '2-digit' };
const day = { day: 'numeric', month: 'short' };
const whole = { dateStyle: 'medium', timeStyle: 'medium' };
/** Formats by `data-form`: short ones where space is limited, `whole` with the date. */
const FORMS = { clock: minute, day, moment: { ...day, ...minute }, whole };

/** Shows all times below `root` in local time, with the full date on hover. */
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
