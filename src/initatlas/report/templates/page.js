"use strict";
const filter = document.getElementById("filter");
if (filter) {
  const claims = [...document.querySelectorAll(".ledger tr[data-verdict]")];
  const show = () => {
    const { study, verdict } = Object.fromEntries(new FormData(filter));
    for (const row of claims) {
      row.hidden = (study && row.dataset.study !== study) || (verdict && row.dataset.verdict !== verdict);
      row.nextElementSibling.hidden = row.hidden;
    }
    for (const group of document.querySelectorAll(".ledger tbody")) {
      group.hidden = !group.querySelector("tr[data-verdict]:not([hidden])");
    }
    const shown = claims.filter((row) => !row.hidden).length;
    document.getElementById("shown").textContent = `${shown} of ${claims.length} claims`;
  };
  filter.hidden = false;
  filter.addEventListener("change", show);
  filter.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    if (document.getElementById(location.hash.slice(1))?.hidden) {
      filter.reset();
      show();
      document.getElementById(location.hash.slice(1)).scrollIntoView();
    }
  });
  show();
}
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
