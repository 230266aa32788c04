/** Why a connection is turned away; a metric label. */
export type Rejection = "total_connections" | "client_connections" | "listener_connections" | "draining";

/** Counts connections where all threads can see them, and says when there are too many. */
export interface Admission {
  /** Takes a place for a client's connection to a listener; every "admitted" is followed by one `release`. */
  admit(clientIp: string, listenerId: string): "admitted" | Rejection;
  release(clientIp: string, listenerId: string): void;
}
