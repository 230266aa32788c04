/** Tests of the suite that Sentinel does not pass, and why: what a proxy does before rules run, not the engine. */
export const KNOWN: ReadonlyMap<string, string> = new Map([
  ...["934120-23", "934120-24", "934120-25", "934120-26", "934120-39"].map((title) =>
    [title, "bytes beyond ASCII in the request target are refused with 400 before any rule runs"] as const
  ),
  ["920181-1", "Content-Length next to Transfer-Encoding is refused with 400, not forwarded"],
  ["920430-3", "HTTP/0.9 is answered with 505, not 400"],
  [
    "920430-5",
    "a request line without a version is answered with 400; the test wants HTTP/0.9's bare answer",
  ],
  ["920430-8", "HTTP/4.0 is answered with 505 before any rule runs"],
  ["920430-9", "HTTP/0.8 is answered with 505, not 400"],
  ["920620-1", "two Content-Type lines stay two; the test is for Apache, which joins them, and says so"],
]);
