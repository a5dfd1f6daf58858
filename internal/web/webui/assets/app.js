// What pages do beyond showing what is on them. All of them can be read without it.
"use strict";

// A button with data-copy copies the text of the element before it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  button.dataset.label ??= button.textContent; // at a second click the button may still say what the first has left
  try {
    await navigator.clipboard.writeText(button.previousElementSibling.textContent.trim());
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Press Ctrl+C";
  }
  clearTimeout(button.wait);
  button.wait = setTimeout(() => { button.textContent = button.dataset.label; }, 2000);
});

const theme = document.querySelector(".theme");
theme?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not kept */ }
});

// "/" goes to the search box.
document.addEventListener("keydown", (event) => {
  const box = document.querySelector(".search input");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !box || event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  box.focus();
});
