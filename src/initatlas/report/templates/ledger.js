// The ledger: which claims are shown, in which order. The address of a view is #ledger?<its choices>, that of a claim its id.
function startLedger(filter, list) {
  const lines = [...list.children];
  const claims = lines.filter((line) => line.classList.contains("claim"));
  const words = new Map(claims.map((claim) => [claim, `${claim.id} ${claim.textContent}`.toLowerCase()]));
  const severity = ["fails", "differs", "undecided", "not measured", "holds"];
  const keys = {
    verdict: (claim) => severity.indexOf(claim.dataset.verdict),
    cost: (claim) => -Number(claim.dataset.seconds),
  };
  const choices = () => Object.fromEntries([...new FormData(filter)].filter(([, value]) => value));

  function show() {
    const { find = "", study, verdict, order } = choices();
    const wanted = find.toLowerCase().split(/\s+/).filter(Boolean);
    for (const claim of claims) {
      claim.hidden = !((!study || claim.dataset.study === study) && (!verdict || claim.dataset.verdict === verdict)
        && wanted.every((word) => words.get(claim).includes(word)));
    }
    const key = keys[order];
    list.append(...(key ? [...claims].sort((one, other) => key(one) - key(other)) : lines));
    let group;
    for (const line of lines) {
      if (line.classList.contains("group")) {
        group = line;
        group.hidden = true;
      } else if (!key && !line.hidden) group.hidden = false;
    }
    const shown = claims.filter((claim) => !claim.hidden).length;
    document.getElementById("shown").textContent = `${shown} of ${claims.length} claims`;
    document.getElementById("none-shown").hidden = shown > 0;
  }

  function remember() {
    show();
    const query = new URLSearchParams(choices()).toString();
    history.replaceState(null, "", query ? `#ledger?${query}` : "#ledger");
  }

  function follow() {
    const [id, query] = location.hash.slice(1).split("?");
    if (id === "ledger" && query !== undefined) {
      filter.reset();
      for (const [name, value] of new URLSearchParams(query)) {
        if (filter.elements[name]) filter.elements[name].value = value;
      }
      show();
      document.getElementById(id).scrollIntoView();
      return;
    }
    const target = document.getElementById(id);
    if (!target || !list.contains(target)) return;
    if (target.hidden) {
      filter.reset();
      show();
    }
    const details = target.querySelector("details");
    if (details) details.open = true;
    target.scrollIntoView();
  }

  filter.hidden = false;
  filter.addEventListener("input", remember);
  filter.addEventListener("submit", (event) => event.preventDefault());
  document.querySelector("#none-shown button").addEventListener("click", () => { filter.reset(); remember(); });
  addEventListener("hashchange", follow);
  show();
  follow();
}

const filter = document.getElementById("filter");
if (filter) startLedger(filter, document.getElementById("claims"));
