// xterm writes its styles into <style> elements and style attributes, which the content policy forbids. This document
// hands out elements that do the same by style sheet objects and the style's own object model, which it allows.

/** Stands in for a <style> element: even an empty one would be reported as a breach of the policy. */
function sheetElement(): HTMLElement {
  const element = document.createElement("template");
  const sheet = new CSSStyleSheet();
  let text = "";
  Object.defineProperty(element, "textContent", {
    get: () => text,
    set: (value: string) => {
      text = value;
      sheet.replaceSync(value);
      if (!document.adoptedStyleSheets.includes(sheet)) {
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      }
    },
  });
  const remove = element.remove.bind(element);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    remove();
  };
  return element;
}

function styledElement<E extends HTMLElement>(element: E): E {
  const setAttribute = element.setAttribute.bind(element);
  element.setAttribute = (name: string, value: string) => {
    if (name === "style") element.style.cssText = value;
    else setAttribute(name, value);
  };
  return element;
}

/** Return the document as xterm shall see it. */
export function documentWithSheets(): Document {
  return new Proxy(document, {
    get(target, key) {
      if (key === "createElement") {
        return (name: string, options?: ElementCreationOptions) => {
          return name === "style" ? sheetElement() : styledElement(target.createElement(name, options));
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}
