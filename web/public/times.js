// Knows: how times are told to the reader: in the zone of the browser. Must not know: what happened then.

/** Times in the reader's own zone; the whole date on hover. */
export function localTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const date = new Date(time.getAttribute('datetime'));
    if (Number.isNaN(date.getTime()) || time.dataset.countdown !== undefined) continue;
    const today = date.toDateString() === new Date().toDateString();
    const whole = date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
    time.textContent = today ? date.toLocaleTimeString() : whole;
    time.title = whole;
  }
}

localTimes(document);
