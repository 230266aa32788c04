/** Reloads of a stage of WebSockets. */

import { stageConfig, type WebSocketStage } from "./websocket_stage.ts";

/** Serves the stage with other options of its route; resolves once they hold. */
export async function reloadWith(stage: WebSocketStage, route: string): Promise<void> {
  const { sentinel, origin } = stage;
  const { folder, port, adminPort } = sentinel;
  const generation = await stage.metric("sentinel_config_generation");
  await Deno.writeTextFile(
    sentinel.configPath,
    stageConfig({ route }, { folder, port, adminPort, origin: origin.port }),
  );
  sentinel.process.signal("SIGHUP");
  await stage.metricBecomes(generation + 1, "sentinel_config_generation");
}
