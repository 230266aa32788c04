/** The usual worker, with a way to make it crash that only tests have. */

import "../../src/server/worker.ts";

new BroadcastChannel("crash").onmessage = ({ data }) => {
  if (data !== self.name) return;
  setTimeout(() => {
    throw new Error("crashed on purpose");
  });
};
