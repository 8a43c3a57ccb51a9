// Shows new recovery codes once; resolves when their owner has stored them.

export function showCodes(codes) {
  const panel = document.getElementById("codes");
  const stored = document.getElementById("stored");
  const goOn = document.getElementById("go-on");
  const list = document.getElementById("code-list");
  list.replaceChildren(
    ...codes.map((code) => {
      const item = document.createElement("li");
      item.textContent = code;
      return item;
    }),
  );
  stored.checked = false;
  goOn.disabled = true;
  stored.onchange = () => {
    goOn.disabled = !stored.checked;
  };
  document.getElementById("print").onclick = () => print();
  panel.hidden = false;
  panel.scrollIntoView({ block: "nearest" });
  panel.querySelector("h2").focus();
  return new Promise((resolve) => {
    goOn.onclick = () => {
      panel.hidden = true;
      list.replaceChildren();
      resolve();
    };
  });
}
