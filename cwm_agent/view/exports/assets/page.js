"use strict";
const blocks = [...document.querySelectorAll("details")];
const find = document.getElementById("find"), found = document.getElementById("found");
const fold = document.getElementById("fold");
let place = -1, hits = [];
function show() {
  for (const hit of hits) hit.classList.remove("hit");
  const hit = hits[place];
  if (!hit) return;
  for (let e = hit; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  hit.classList.add("hit");
  hit.scrollIntoView({ block: "center" });
  found.textContent = ` ${place + 1} of ${hits.length}`;
}
find.addEventListener("input", () => {
  for (const hit of hits) hit.classList.remove("hit");
  const words = find.value.toLowerCase();
  const texts = [...document.querySelectorAll("pre,.prose,summary")];
  hits = words ? texts.filter((e) => e.textContent.toLowerCase().includes(words)) : [];
  place = -1;
  found.textContent = words ? ` ${hits.length} places, Enter goes on` : "";
});
find.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !hits.length) return;
  place = (place + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
  show();
});
fold.addEventListener("click", () => {
  const open = fold.textContent === "unfold all";
  for (const block of blocks) block.open = open;
  fold.textContent = open ? "fold all" : "unfold all";
});
if (location.hash) document.getElementById(location.hash.slice(1))?.setAttribute("open", "");
