// Builds elements. Text is always a text node: no markup is ever parsed.

/**
 * An element: `h("p.muted", { id: "a" }, "text")`. Properties that begin with `on` are
 * listeners, `true` is a boolean attribute, `false` and `null` are left out.
 * @type {kv.h}
 */
export function h(tag, ...rest) {
	const [name = "", ...classes] = tag.split(".");
	const element = document.createElement(name);
	element.classList.add(...classes);
	if (rest[0]?.constructor === Object) {
		Object.entries(/** @type {Props} */ (rest.shift())).forEach(([key, value]) => {
			if (key.startsWith("on")) {
				element.addEventListener(key.slice(2), value);
			} else if (value !== false && value !== null && value !== undefined) {
				element.setAttribute(key, value === true ? "" : String(value));
			}
		});
	}
	append(element, /** @type {Child[]} */ (rest));
	return /** @type {any} */ (element);
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
	for (const child of children.flat(9)) {
		if (child !== null && child !== undefined && child !== false) {
			element.append(/** @type {Node | string} */ (child));
		}
	}
}

/** Replaces the children of an element. @type {kv.fill} */
export function fill(element, ...children) {
	element.replaceChildren();
	append(element, children);
}

let ids = 0;

/** An id that is unique in the page. */
export const newId = () => `kv-${++ids}`;
