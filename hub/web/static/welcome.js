// Takes the invitation's code from behind the hash, and away from the address bar.

const field = document.getElementById("code");
const code = location.hash.slice(1);

if (code !== "") {
  history.replaceState(null, "", location.pathname);
  field.value = code;
  field.hidden = true;
  document.getElementById("code-label").hidden = true;
  document.getElementById("password").focus();
}

// A refused password brings the page back without its code; this tab still knows it.
const KEPT = "invitation";
if (field.value === "") {
  field.value = sessionStorage.getItem(KEPT) ?? "";
}
sessionStorage.removeItem(KEPT);
field.form.addEventListener("submit", () => sessionStorage.setItem(KEPT, field.value));
