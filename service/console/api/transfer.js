// Export and import of files of any length: neither is in the page's memory.
import { authorization, open, urlOf } from "./client.js";
import { Problem, problemOf } from "./problem.js";

/** A report, the end, or an error.
 * @typedef {{end?: true, code?: string, line?: number, written?: number,
 *   skipped?: number, since?: number, keys?: number, revision?: number}} Line
 */

const LF = 10;
/** Bytes: the last line of an export is shorter. */
const LAST_LINE = 4096;
/** @type {Record<string, Record<string, string>>} */
const CODINGS = { gz: { "Content-Encoding": "gzip" }, zst: { "Content-Encoding": "zstd" } };

/**
 * Exports keys into a file, or into a Blob that the browser may keep on the disk.
 * @param {{prefix: string, file: FileSystemFileHandle | null, signal: AbortSignal,
 *   onprogress: (lines: number, bytes: number) => void}} options
 * @returns {Promise<{last: Line, blob: Blob | null}>} `last` without `end`: incomplete
 */
export function exportKeys({ prefix, file, signal, onprogress }) {
	let [lines, bytes, tail] = [0, 0, ""];
	const watch = new TransformStream({ transform(chunk, controller) {
		for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
			lines += 1;
		}
		bytes += chunk.length;
		tail += new TextDecoder().decode(chunk.subarray(-LAST_LINE));
		tail = tail.slice(-LAST_LINE);
		onprogress(lines, bytes);
		controller.enqueue(chunk);
	} });
	return open("GET", "api/export", { query: { prefix }, signal }, async (reply) => {
		const watched = /** @type {ReadableStream} */ (reply.body).pipeThrough(watch);
		await (file && watched.pipeTo(await file.createWritable()));
		const blob = file ? null : await new Response(watched).blob();
		return { last: lastLine(tail) ?? { code: "unreachable" }, blob };
	});
}

/**
 * Imports a file, which is sent from the disk. Over HTTP/1.1 browsers read the reports
 * only after they have sent everything.
 * @param {{file: File, mode: string, signal: AbortSignal,
 *   onprogress: (sent: number, report: Line) => void}} options
 * @returns {Promise<Line>} the last line, with `end`
 */
export function importFile({ file, mode, signal, onprogress }) {
	return new Promise((resolve, reject) => {
		const xhr = new XMLHttpRequest();
		let sent = 0;
		/** @type {Line} */
		let last = {};
		const show = () => onprogress(sent, last = lastLine(xhr.responseText) ?? last);
		const fail = () => reject(xhr.status >= 400
			? problemOf(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After"))
			: new Problem(xhr.status, { code: "unreachable", ...last }));
		xhr.open("POST", urlOf("api/import", { mode }));
		const headers = { ...authorization(), "Content-Type": "application/x-ndjson",
			...CODINGS[file.name.split(".").at(-1) ?? ""] };
		Object.entries(headers).forEach((header) => xhr.setRequestHeader(...header));
		xhr.upload.onprogress = ({ loaded }) => {
			sent = loaded;
			show();
		};
		xhr.onprogress = show;
		xhr.onload = () => {
			show();
			return last.end ? resolve(last) : fail();
		};
		xhr.onerror = fail;
		xhr.onabort = () => reject(new DOMException("", "AbortError"));
		signal.addEventListener("abort", () => xhr.abort());
		xhr.send(file);
	});
}

/** A line of the service, never one with a value. @param {string} text */
function lastLine(text) {
	try {
		return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
	} catch {
		return null;
	}
}
