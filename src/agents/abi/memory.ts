import { AgentTrap, type Guest } from "../guest.ts";

/** A guest's memory as the glue sees it: fresh views, and allocations that are checked before they are believed. */
export class GuestMemory {
  /** All of the memory. Holds until guest code runs again. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The same bytes. */
  view: DataView = new DataView(this.bytes.buffer);
  #guest: Guest | undefined;

  /** Takes the instance; once, before the first call. */
  attach(guest: Guest): void {
    this.#guest = guest;
    this.#look();
  }

  /** The instance; throws `AgentTrap` while there is none, which is as long as start functions run. */
  guest(): Guest {
    if (this.#guest === undefined) throw new AgentTrap("malformed", "the agent called before it was started");
    return this.#guest;
  }

  /** To be called after guest code ran: a memory that grew has left the old views without bytes. */
  refresh(): void {
    if (this.bytes.length === 0) this.#look();
  }

  /** Room for `size` bytes, from the guest. Views are fresh afterwards. */
  allocate(align: number, size: number): number {
    return this.#checked(this.#guest!.realloc(0, 0, align, size), align, size);
  }

  /** Room for a text that turned out longer than `oldSize` bytes; the old room is the guest's again. */
  enlarge(pointer: number, oldSize: number, size: number): number {
    return this.#checked(this.#guest!.realloc(pointer, oldSize, 1, size), 1, size);
  }

  #checked(returned: number, align: number, size: number): number {
    if (this.bytes.length === 0) this.#look();
    const pointer = returned >>> 0;
    if ((pointer & (align - 1)) !== 0) {
      throw new AgentTrap("malformed", `realloc returned ${pointer}, which is not aligned to ${align}`);
    }
    if (pointer + size > this.bytes.length) {
      throw new AgentTrap(
        "malformed",
        `realloc returned ${pointer} for ${size} bytes: outside of the memory`,
      );
    }
    return pointer;
  }

  #look(): void {
    const { buffer } = this.#guest!.memory;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}
