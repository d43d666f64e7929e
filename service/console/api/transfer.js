// Export and import of files, streamed where the browser can.
import { authorization, open, urlOf } from "./client.js";
import { Problem, problemOf } from "./problem.js";

/** Into a file or a Blob, whole if `last` has `end`. @type {kv.exportKeys} */
export function exportKeys({ prefix, file, signal, onprogress }) {
	let [lines, bytes] = [0, 0];
	const watch = new TransformStream({ transform(chunk, controller) {
		for (const byte of chunk) lines += Number(byte === 10); // LF
		bytes += chunk.length;
		onprogress(lines, bytes);
		controller.enqueue(chunk);
	} });
	return open("GET", "api/export", { query: { prefix }, signal }, async (reply) => {
		const watched = /** @type {ReadableStream} */ (reply.body).pipeThrough(watch);
		await (file && watched.pipeTo(await file.createWritable()));
		const saved = await (file ? file.getFile() : new Response(watched).blob());
		// the last line is shorter than this
		const last = lastLine(await saved.slice(-4096).text());
		return { last: last ?? { code: "unreachable" }, blob: file ? null : saved };
	});
}

/**
 * Sends a file from the disk. Over HTTP/1.1 browsers read the reports only after that.
 * Returns the last line, with `end`. @type {kv.importFile}
 */
export const importFile = ({ file, mode, signal, onprogress }) =>
	new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const xhr = new XMLHttpRequest();
		let [sent, last] = [0, /** @type {TransferLine} */ ({})];
		const show = () => onprogress(sent, last = lastLine(xhr.responseText) ?? last);
		const problem = () => (xhr.status >= 400
			? problemOf(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After"))
			: new Problem(xhr.status, { code: "unreachable", ...last }));
		xhr.open("POST", urlOf("api/import", { mode }));
		const coding = { gz: "gzip", zst: "zstd" }[file.name.split(".").at(-1) ?? ""];
		Object.entries({ ...authorization(), "Content-Type": "application/x-ndjson",
			...coding && { "Content-Encoding": coding },
		}).forEach((header) => xhr.setRequestHeader(...header));
		xhr.upload.onprogress = ({ loaded }) => {
			sent = loaded;
			show();
		};
		xhr.onprogress = show;
		xhr.onloadend = () => {
			show();
			if (last.end) resolve(last);
			else reject(signal.aborted ? signal.reason : problem());
		};
		signal.addEventListener("abort", () => xhr.abort());
		xhr.send(file);
	});

/** A line of the service, never one with a value. @param {string} text */
function lastLine(text) {
	try {
		return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
	} catch {
		return null;
	}
}
