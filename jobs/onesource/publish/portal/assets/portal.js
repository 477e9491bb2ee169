/* Search, filters, copying. Everything on the page can be read and downloaded without it. */
(function () {
  "use strict";

  function plain(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  function filters(form) {
    var q = form.elements.q, picks = ["theme", "department", "format"];
    var cards = Array.from(document.querySelectorAll(".card")).map(function (item) {
      return {
        item: item,
        text: plain(item.textContent + " " + item.dataset.words),
        theme: item.dataset.theme,
        department: item.dataset.department,
        format: item.dataset.formats.split(" ")
      };
    });
    var groups = Array.from(document.querySelectorAll("section.theme"));
    var count = document.getElementById("count"), none = document.getElementById("none");

    function fits(card, terms) {
      return terms.every(function (t) { return card.text.includes(t); }) &&
        picks.every(function (name) {
          var wanted = form.elements[name].value;
          return !wanted || (name === "format" ? card.format.includes(wanted) : card[name] === wanted);
        });
    }

    function show() {
      var terms = plain(q.value).split(/\s+/).filter(Boolean), shown = 0;
      cards.forEach(function (card) {
        card.item.hidden = !fits(card, terms);
        if (!card.item.hidden) { shown += 1; }
      });
      groups.forEach(function (group) {
        group.hidden = !group.querySelector(".card:not([hidden])");
      });
      none.hidden = shown > 0;
      count.textContent = shown === cards.length ? "共 " + shown + " 个数据集"
        : "显示 " + shown + " 个，共 " + cards.length + " 个数据集";
      remember();
    }

    /* The address carries the filters, so that a view can be sent to somebody. */
    function remember() {
      var said = new URLSearchParams();
      ["q"].concat(picks).forEach(function (name) {
        if (form.elements[name].value) { said.set(name, form.elements[name].value); }
      });
      var query = said.toString();
      if ("?" + query === location.search || (!query && !location.search)) { return; }
      try {
        history.replaceState(null, "", (query ? "?" + query : location.pathname) + location.hash);
      } catch (refused) { /* a page opened from disk may not change its address */ }
    }

    var asked = new URLSearchParams(location.search);
    ["q"].concat(picks).forEach(function (name) {
      if (asked.has(name)) { form.elements[name].value = asked.get(name); }
      if (form.elements[name].selectedIndex === -1) { form.elements[name].value = ""; }
    });
    form.addEventListener("input", show);
    form.addEventListener("change", show);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.addEventListener("reset", function () { setTimeout(show, 0); });
    form.hidden = false;
    show();
  }

  /* Read over the web, paths in the examples are addresses; in a copy on disk they are files. */
  function addresses() {
    if (!/^https?:$/.test(location.protocol)) { return; }
    var base = new URL(".", location.href).href;
    document.querySelectorAll("[data-base]").forEach(function (place) { place.textContent = base; });
  }

  function copying(box) {
    var button = document.createElement("button"), code = box.querySelector("code");
    button.type = "button";
    button.className = "copy";
    button.textContent = "复制";
    button.setAttribute("aria-label", "复制代码：" + box.previousElementSibling.textContent.trim());
    function said(word) {
      button.textContent = word;
      setTimeout(function () { button.textContent = "复制"; }, 2000);
    }
    function selected() {
      getSelection().selectAllChildren(code);
      said(document.execCommand("copy") ? "已复制" : "已选中");
    }
    button.addEventListener("click", function () {
      if (!navigator.clipboard) { selected(); return; }
      navigator.clipboard.writeText(code.textContent).then(function () { said("已复制"); }, selected);
    });
    box.insertBefore(button, box.firstChild);
  }

  var form = document.getElementById("filters");
  if (form) { filters(form); }
  addresses();
  document.querySelectorAll(".example").forEach(copying);
})();
