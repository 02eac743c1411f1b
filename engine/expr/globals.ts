/**
 * Names that code may use without declaring them. Owns: their list, the same on every machine.
 * Never: cells and params, which win over these.
 */

const GLOBALS: ReadonlySet<string> = new Set([
  ..."arguments undefined NaN Infinity globalThis self".split(" "),
  ..."Object Function Boolean Symbol Number BigInt Math Date String RegExp Array Map Set WeakMap".split(" "),
  ..."WeakSet WeakRef FinalizationRegistry JSON Promise Proxy Reflect Intl Iterator Temporal".split(" "),
  ..."ArrayBuffer SharedArrayBuffer DataView Atomics Int8Array Uint8Array Uint8ClampedArray".split(" "),
  ..."Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array".split(" "),
  ..."Float16Array Float32Array Float64Array WebAssembly".split(" "),
  ..."Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError".split(" "),
  ..."parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI".split(" "),
  ..."decodeURIComponent escape unescape eval".split(" "),
  ..."console fetch crypto performance navigator Deno process Buffer global".split(" "),
  ..."setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate".split(" "),
  ..."queueMicrotask structuredClone reportError atob btoa alert confirm prompt".split(" "),
  ..."AbortController AbortSignal Event EventTarget CustomEvent MessageEvent ErrorEvent".split(" "),
  ..."CloseEvent ProgressEvent PromiseRejectionEvent MessageChannel MessagePort".split(" "),
  ..."BroadcastChannel DOMException Blob File FileReader FormData Headers Request".split(" "),
  ..."Response URL URLSearchParams URLPattern TextEncoder TextDecoder TextEncoderStream".split(" "),
  ..."TextDecoderStream ReadableStream WritableStream TransformStream ByteLengthQueuingStrategy".split(" "),
  ..."CountQueuingStrategy CompressionStream DecompressionStream Crypto CryptoKey".split(" "),
  ..."SubtleCrypto Performance WebSocket EventSource Worker ImageData".split(" "),
]);

/** Whether the language or the runtime has a value of this name. */
export function isGlobal(name: string): boolean {
  return GLOBALS.has(name);
}
