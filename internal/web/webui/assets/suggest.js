// Suggestions below the search box, by the combobox pattern of ARIA. Without it the box is a form like any other.
"use strict";
(() => {
  const form = document.querySelector("form[data-suggest]");
  const box = form?.querySelector("input");
  if (!box) return;

  const list = document.createElement("ul");
  Object.assign(list, { id: "suggestions", className: "suggest", role: "listbox", ariaLabel: "Suggestions", hidden: true });
  form.append(list);
  const said = document.createElement("span");
  Object.assign(said, { className: "hidden", role: "status" });
  form.append(said);
  Object.assign(box, { role: "combobox", ariaAutoComplete: "list", ariaExpanded: "false", ariaHasPopup: "listbox" });
  box.setAttribute("aria-controls", list.id);

  let chosen = -1, wait, asked;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    box.ariaExpanded = "false";
    box.removeAttribute("aria-activedescendant");
  };
  // choose marks the option at an index; -1 is none of them.
  const choose = (index) => {
    chosen = index;
    [...list.children].forEach((option, i) => { option.ariaSelected = String(i === index); });
    if (index < 0) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    box.setAttribute("aria-activedescendant", list.children[index].id);
    list.children[index].scrollIntoView({ block: "nearest" });
  };
  const show = (found) => {
    list.replaceChildren(...found.map((f, i) => {
      const option = document.createElement("li");
      Object.assign(option, { id: "suggestion-" + i, role: "option", ariaSelected: "false", textContent: f.name });
      option.dataset.url = f.url;
      const badge = document.createElement("span");
      Object.assign(badge, { className: "badge", textContent: f.kind });
      option.append(" ", badge);
      return option;
    }));
    choose(-1);
    list.hidden = found.length === 0;
    box.ariaExpanded = String(!list.hidden);
    said.textContent = found.length === 1 ? "1 suggestion" : found.length + " suggestions";
  };
  const ask = async () => {
    asked?.abort();
    const query = box.value.trim();
    if (!query) return close();
    asked = new AbortController();
    try {
      const answer = await fetch(form.dataset.suggest + "?q=" + encodeURIComponent(query), { signal: asked.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return close();
      const found = await answer.json();
      if (document.activeElement === box && box.value.trim() === query) show(found);
    } catch { /* aborted, or the server is away: the form still works */ }
  };

  box.addEventListener("input", () => {
    choose(-1); // what was chosen answers what the box said before
    clearTimeout(wait);
    wait = setTimeout(ask, 120);
  });
  box.addEventListener("keydown", (event) => {
    const size = list.hidden ? 0 : list.children.length;
    switch (event.key) {
      case "ArrowDown":
        if (!size) return void ask();
        choose(chosen + 1 < size ? chosen + 1 : -1);
        break;
      case "ArrowUp":
        if (!size) return;
        choose(chosen < 0 ? size - 1 : chosen - 1);
        break;
      case "Escape":
        if (!size) return;
        close();
        break;
      default:
        return;
    }
    event.preventDefault();
  });
  // Enter, and what stands for it on a screen, goes to what is chosen.
  form.addEventListener("submit", (event) => {
    if (list.hidden || chosen < 0) return;
    event.preventDefault();
    location.assign(list.children[chosen].dataset.url);
  });
  box.addEventListener("blur", close);
  // Before the box loses the focus, so that the list is still there.
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option && event.button === 0) location.assign(option.dataset.url);
  });
})();
