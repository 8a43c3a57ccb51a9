// Lets people see the password they type; without script the button stays away.

for (const button of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.setAttribute("aria-label", "Show password");
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    button.textContent = shown ? "Show" : "Hide";
  });
  field.form.addEventListener("submit", () => {
    field.type = "password";
  });
}
