// What forms add where there is JavaScript; all of them work without. A password can be shown, and is hidden again before the form
// is sent, so that no browser remembers it among texts. A second click within five seconds sends nothing.
for (const button of document.querySelectorAll("button[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  const show = (isShown) => {
    field.type = isShown ? "text" : "password";
    button.querySelector(".on").hidden = isShown;
    button.querySelector(".off").hidden = !isShown;
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
}

let sentAt = new WeakMap();
document.addEventListener("submit", (event) => {
  if (event.timeStamp - sentAt.get(event.target) < 5000) event.preventDefault();
  else sentAt.set(event.target, event.timeStamp);
});
addEventListener("pageshow", () => {
  sentAt = new WeakMap();
});
