"use strict";
(function () {
  var root = document.documentElement, find = document.getElementById("find"), keys = document.getElementById("keys");
  var items = Array.prototype.slice.call(document.querySelectorAll(".find")), nohits = document.getElementById("nohits");
  function theme() {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }
  function search() {
    var q = find.value.trim().toLowerCase(), hits = 0;
    items.forEach(function (item) {
      var hit = !q || item.textContent.toLowerCase().indexOf(q) >= 0;
      item.hidden = !hit;
      if (hit) hits++;
      item.querySelectorAll(".story > li").forEach(function (line) {
        line.hidden = !!q && hit && line.textContent.toLowerCase().indexOf(q) < 0 && item.querySelector("h2") !== null && item.querySelector("h2").textContent.toLowerCase().indexOf(q) < 0;
      });
    });
    nohits.hidden = !q || hits > 0;
    history.replaceState(null, "", q ? "#q=" + encodeURIComponent(q) : location.pathname + location.search);
  }
  var at = -1, incidents = Array.prototype.slice.call(document.querySelectorAll(".incident"));
  function go(step) {
    if (!incidents.length) return;
    at = Math.max(0, Math.min(incidents.length - 1, at + step));
    incidents[at].scrollIntoView();
    incidents[at].focus({ preventScroll: true });
  }
  function openAll() {
    var place = incidents[Math.max(at, 0)];
    if (!place) return;
    var all = place.querySelectorAll(".story > li > details"), open = !(all[0] && all[0].open);
    all.forEach(function (d) { d.open = open; });
  }
  find.addEventListener("input", search);
  document.getElementById("theme").addEventListener("click", theme);
  document.getElementById("help").addEventListener("click", function () { keys.showModal(); });
  document.addEventListener("keydown", function (e) {
    if (e.target === find) { if (e.key === "Escape") { find.value = ""; search(); find.blur(); } return; }
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "/") { e.preventDefault(); find.focus(); }
    else if (e.key === "j") go(1);
    else if (e.key === "k") go(-1);
    else if (e.key === "o") openAll();
    else if (e.key === "t") theme();
    else if (e.key === "?") keys.showModal();
  });
  document.addEventListener("click", function (e) {
    if (!e.target.classList.contains("copy")) return;
    var b = e.target, pre = b.parentNode.querySelector("pre"), text = b.dataset.copy || (pre ? pre.textContent : ""), was = b.textContent;
    navigator.clipboard.writeText(text).then(function () { b.textContent = "copied"; }, function () { b.textContent = "select it, then copy"; });
    setTimeout(function () { b.textContent = was; }, 1500);
  });
  var m = /^#q=(.*)$/.exec(location.hash);
  if (m) { find.value = decodeURIComponent(m[1]); search(); }
})();
