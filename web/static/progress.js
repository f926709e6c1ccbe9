// Keeps elements with data-refresh up to date: fetches that address every two seconds and puts the answer in place
// of the element's content, as long as the answer says that something is still running (header X-Running: 1).
(() => {
  "use strict";
  const EVERY_MS = 2000;
  const IDLE_MS = 15000;

  const refresh = async (element) => {
    let wait = IDLE_MS;
    if (!document.hidden) {
      try {
        const answer = await fetch(element.dataset.refresh, { headers: { Accept: "text/html" }, redirect: "error" });
        if (answer.ok) {
          const inside = element.contains(document.activeElement) && document.activeElement !== document.body;
          if (!inside) element.innerHTML = await answer.text();
          wait = answer.headers.get("X-Running") === "1" ? EVERY_MS : IDLE_MS;
        } else if (answer.status === 401) {
          return;
        }
      } catch {
        wait = IDLE_MS;
      }
    }
    window.setTimeout(refresh, wait, element);
  };

  for (const element of document.querySelectorAll("[data-refresh]")) window.setTimeout(refresh, EVERY_MS, element);
})();
