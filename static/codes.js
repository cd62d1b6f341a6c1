// What the page of new recovery codes adds where there is JavaScript: copying, saving as a text file, printing. The codes stay in the page.
const panel = document.getElementById("codes");
const tools = document.getElementById("code-tools");
if (panel && tools) {
  const codes = [...panel.querySelectorAll("code")].map((code) => code.textContent);
  const text = `Recovery codes of ${panel.dataset.account} at ${panel.dataset.site}\nEach works once.\n\n${codes.join("\n")}\n`;
  const copy = async (button) => {
    await navigator.clipboard.writeText(text);
    button.querySelector(".before").hidden = true;
    button.querySelector(".after").hidden = false;
  };
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = "recovery-codes.txt";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const does = { copy, save, print: () => window.print() };
  for (const button of tools.querySelectorAll("button")) {
    button.hidden = button.dataset.does === "copy" && !navigator.clipboard;
    button.addEventListener("click", () => does[button.dataset.does](button));
  }
  tools.hidden = false;
}
