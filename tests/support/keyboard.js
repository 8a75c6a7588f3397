// What the tests of the keyboard ask of a page. It is put into each page before the page's own scripts run.
(() => {
  const NATIVE = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const CONTROLS = `${NATIVE}, iframe, [tabindex], [contenteditable], [role=button], [role=link], [role=tab], [role=menuitem],
    [role=checkbox], [role=radio], [role=switch], [role=option], [role=slider]`;
  const POINTER = /^(click|dblclick|doubleclick|auxclick|contextmenu|mouse|pointer|drag|drop)/;
  const LONGEST_NAME = 60;
  const listening = new Map();
  const held = [];
  let changes = 0;
  let reads = 0;
  let walk;

  // Handlers that are set past React. It has its own on the element that holds the whole page.
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (kind, ...rest) {
    if (this instanceof Element && this.id !== "root" && POINTER.test(kind)) listening.set(this, kind);
    return listen.call(this, kind, ...rest);
  };

  const text = (it) => (it.innerText ?? it.textContent ?? "").trim().replace(/\s+/g, " ");
  const name = (it) => it.getAttribute("aria-label") || (it.labels?.[0] ? text(it.labels[0]) : "") || text(it) || it.title || "";
  const say = (it) => {
    if (it === document.body) return "the document";
    const kind = `${it.tagName.toLowerCase()}${it.classList.length ? `.${[...it.classList].join(".")}` : ""}`;
    return `${kind} “${name(it).slice(0, LONGEST_NAME)}”`;
  };
  const isVisible = (it) => it.checkVisibility({ visibilityProperty: true });
  const isControl = (it) => it.matches(CONTROLS) && it.tabIndex >= 0;
  const isUsable = (it) => isVisible(it) && !it.matches(":disabled") && it.closest("[inert]") === null;
  /** What must be reached. What the browser makes no control by itself may be led through by arrows instead. */
  const controls = (place) =>
    [...place.querySelectorAll(CONTROLS)].filter((it) => (it.tabIndex >= 0 || it.matches(NATIVE)) && isUsable(it));
  const dialog = () => [...document.querySelectorAll("dialog[open]")].at(-1);

  const look = (it) => {
    const { outline, outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
    return { outline, boxShadow, hasOutline: outlineStyle !== "none" && outlineWidth !== "0px" };
  };
  const isSeen = (before, after) =>
    (after.hasOutline && after.outline !== before?.outline) || (before !== undefined && after.boxShadow !== before.boxShadow);

  /** Whether a part of it is in the window, with nothing of something else on it. */
  const isInSight = (it) => {
    const box = it.getBoundingClientRect();
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    if (right <= left || bottom <= top) return false;
    const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return there !== null && (it.contains(there) || [...(it.labels ?? [])].some((label) => label.contains(there)));
  };

  listen.call(document, "focusin", ({ target }) => {
    if (walk === undefined) return;
    walk.stops.push(target);
    if (!isSeen(walk.looks.get(target), look(target))) walk.unseen.add(target);
  }, true);

  // Only now has the browser brought it into sight: it does so after it has told of the focus.
  listen.call(document, "keydown", () => {
    const focused = document.activeElement;
    if (walk?.stops.at(-1) === focused && !isInSight(focused)) walk.covered.add(focused);
  }, true);

  /** Note what the tab key must lead to, in the dialog or else the whole page; return how many these are. */
  const begin = (isBackwards) => {
    document.activeElement?.blur();
    const place = dialog() ?? document;
    const expected = isBackwards ? controls(place).reverse() : controls(place);
    walk = {
      place, expected, stops: [], unseen: new Set(), covered: new Set(),
      looks: new Map(expected.map((it) => [it, look(it)])),
    };
    return expected.length;
  };

  /** Whether the tab key has come back to where it began. */
  const isRound = () => walk.stops.length > 1 && walk.stops.slice(1).includes(walk.stops[0]);

  const end = () => {
    const { place, expected, stops, unseen, covered } = walk;
    walk = undefined;
    const round = stops.slice(0, stops.indexOf(stops[0], 1) > 0 ? stops.indexOf(stops[0], 1) : stops.length);
    const order = round.map((it) => expected.indexOf(it)).filter((index) => index >= 0);
    // Once round, so that it may go back to the first of all but once.
    const turns = order.filter((index, at) => index < order.at(at - 1));
    const isThere = (it) => it.isConnected && isUsable(it);
    const isScroller = (it) => it.scrollHeight > it.clientHeight || it.scrollWidth > it.clientWidth;
    const problems = [
      ["not reached", expected.filter((it) => isThere(it) && !round.includes(it))],
      ["out of order", turns.slice(1).map((index) => expected[index])],
      ["no mark when it has the focus", [...unseen]],
      ["out of sight when it has the focus", [...covered].filter((it) => it.isConnected)],
      ["outside", round.filter((it) => place !== document && !place.contains(it))],
      ["takes the focus for nothing", round.filter((it) => isThere(it) && !expected.includes(it) && !isScroller(it))],
    ].flatMap(([problem, found]) => found.map((it) => `${problem}: ${say(it)}`));
    if (round.length > 0 && round.length === stops.length) problems.push(`no way on from ${say(stops.at(-1))}`);
    return problems;
  };

  /** What reacts to a pointer and to no key. */
  const pointerOnly = () => {
    const found = [];
    for (const it of document.querySelectorAll("body *")) {
      const key = Object.keys(it).find((each) => each.startsWith("__reactProps$"));
      const kinds = Object.keys(key === undefined ? {} : it[key])
        .filter((each) => each.startsWith("on") && POINTER.test(each.slice(2).toLowerCase()))
        .map((each) => each.slice(2).toLowerCase());
      if (listening.has(it)) kinds.push(listening.get(it));
      // A key is as good as a click only where the browser makes a click of it: on what takes the focus.
      const isKeyed = [it, ...ancestors(it)].some(isControl);
      found.push(...kinds.filter((kind) => kind !== "click" || !isKeyed).map((kind) => `${kind} on ${say(it)}`));
    }
    return found;
  };
  const ancestors = (it) => (it.parentElement === null ? [] : [it.parentElement, ...ancestors(it.parentElement)]);

  // What would change something on the server is noted and never answered: actions can be tried without harm.
  const fetch = window.fetch;
  window.fetch = (resource, request = {}) => {
    const method = request.method ?? "GET";
    reads += 1;
    if (!isHolding || method === "GET" || method === "HEAD") return fetch(resource, request);
    held.push(`${method} ${resource}`);
    return new Promise(() => undefined);
  };
  const click = HTMLElement.prototype.click;
  HTMLAnchorElement.prototype.click = function () {
    if (isHolding && this.hasAttribute("download")) held.push(`download ${this.href}`);
    else click.call(this);
  };
  let isHolding = false;

  new MutationObserver((records) => (changes += records.length)).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });

  /** What the fields hold: that is no change of the document. */
  const filled = () =>
    JSON.stringify([...document.querySelectorAll("input, select, textarea")].map((it) => [it.value, it.checked]));

  let mark;
  /** Remember how all is now. */
  const remember = () => {
    mark = { changes, reads, held: held.length, path: location.href, opener: document.activeElement, filled: filled() };
  };
  /** What came of a key: a dialog, another page, a request, or only a change of what is shown. */
  const outcome = ({ isChangeEnough }) => {
    if (dialog() !== undefined) return `dialog ${text(dialog().querySelector("h2"))}`;
    if (location.href !== mark.path) return `page ${location.pathname}`;
    if (held.length > mark.held) return held.at(-1);
    const isChanged = changes > mark.changes || reads > mark.reads || filled() !== mark.filled;
    return isChangeEnough && isChanged ? "change" : undefined;
  };

  /** How an action is called whatever it is done to: what a row's button says without the row's name. */
  const kindOf = (it) => {
    const shown = it.querySelector(":scope > i") === null ? text(it) : name(it);
    return (shown || name(it)).split(/[:“↑↓]/)[0].trim();
  };
  const menuButtons = () => [...document.querySelectorAll(".menu > button")].filter(isUsable);
  const buttons = (place) =>
    controls(document.querySelector(place))
      .filter((it) => it.matches("button:not([aria-pressed=true]), input[type=checkbox], summary") && !it.closest(".menu"));
  const menu = () => {
    const items = [...document.querySelectorAll(".menu__action")];
    return {
      items: items.map((it) => ({ label: text(it), isEnabled: !it.disabled })),
      focused: items.indexOf(document.activeElement),
      hasCommand: items.some((it) => it.parentElement.querySelector(".copy button")?.matches(":focus") ?? false),
      commands: document.querySelectorAll(".menu__item .copy button").length,
    };
  };

  window.keyboardTest = {
    begin, isRound, end, pointerOnly, remember, outcome, menu,
    hold: () => (isHolding = true),
    hasFocusBack: () => document.activeElement === mark.opener,
    isFocusInDialog: () => dialog()?.contains(document.activeElement) ?? false,
    focused: () => say(document.activeElement),
    menus: () => menuButtons().map(name),
    focusMenu: (index) => menuButtons()[index].focus(),
    buttons: (place) => [...new Set(buttons(place).map(kindOf))],
    focusButton: ([place, kind]) => {
      const found = buttons(place).find((it) => kindOf(it) === kind);
      found?.focus();
      return found?.type ?? found?.tagName;
    },
    focusClosed: () => {
      const found = [...(dialog() ?? document).querySelectorAll("details:not([open]) > summary")].find(isUsable);
      found?.focus();
      return found !== undefined;
    },
  };
})();
