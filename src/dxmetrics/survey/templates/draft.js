// Keeps what is ticked and written in this browser until it is sent, under a hash of the link. No answer leaves by this.
(form => {
  const key = document.body.dataset.draft;
  let sent = 0;
  try {
    if (!form) return localStorage.removeItem(key);
    form.onsubmit = () => Date.now() - sent > 3e3 && !!(sent = Date.now()); // a second tap would hide the code
    for (const [name, value] of JSON.parse(localStorage.getItem(key) || "[]")) {
      const field = form.elements.namedItem(name); // names are numbers, [] would count
      if (!field || new FormData(form).get(name)) continue;
      if (field.type === "checkbox") field.checked = true;
      else field.value = value;
    }
    form.oninput = () => localStorage.setItem(key, JSON.stringify([...new FormData(form)]));
  } catch {} // a browser that keeps nothing
})(document.forms[0]);
