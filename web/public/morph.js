// Updates an element in place, so that focus, scroll position and open details are kept.

export const fragment = (html) => {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content;
};

/** Changes `from` to match `to`, reusing its elements. */
export function morph(from, to) {
  if (from.nodeType === 3) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  const kept = (name) => name === 'open' && from.nodeName === 'DETAILS';
  for (const { name } of [...from.attributes])
    if (!to.hasAttribute(name) && !kept(name)) from.removeAttribute(name);
  for (const { name, value } of [...to.attributes])
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  const named = new Map(
    [...from.children].filter((child) => child.id !== '').map((child) => [child.id, child]),
  );
  let next = from.firstChild;
  for (const child of [...to.childNodes]) {
    const same = child.id ? named.get(child.id) : alike(next, child) ? next : undefined;
    if (same === undefined) {
      from.insertBefore(child, next);
      if (child.nodeType === 1) child.classList.add('fresh');
      continue;
    }
    if (same === next) next = next.nextSibling;
    else from.insertBefore(same, next);
    morph(same, child);
  }
  while (next !== null) {
    const rest = next.nextSibling;
    next.remove();
    next = rest;
  }
}

const alike = (old, child) => old !== null && !old.id && old.nodeName === child.nodeName;
