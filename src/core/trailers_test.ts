import { deepEqual, equal } from "node:assert/strict";
import { HeaderList } from "./headers.ts";
import { permittedTrailers } from "./trailers.ts";

Deno.test("trailers: nothing that a header would be believed in stands after a body", () => {
  const fields = HeaderList.from([
    ["X-Checksum", "1"],
    ["X-Client-Cert-Verify", "success"],
    ["X_Client_Cert-Subject", "CN=admin"],
    ["X-Forwarded_For", "10.0.0.1"],
    ["Grpc-Status", "0"],
  ]);
  deepEqual([...permittedTrailers(fields)!], [["X-Checksum", "1"], ["Grpc-Status", "0"]]);
  equal(permittedTrailers(HeaderList.from([["x-client-cert-serial", "01"]])), undefined);
});
