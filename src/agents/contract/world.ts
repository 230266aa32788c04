/**
 * A world that components are checked against. The types of functions are written as canonical texts, without
 * spaces and with every named type but resources spelled out: `(level:enum{debug,info},message:string)->_`. Keys are
 * interface and function, such as `http#[method]request.path`.
 */
export interface WorldTypes {
  /** Without version: `sentinel:agent`. */
  readonly package: string;
  readonly version: string;
  /** Functions that a component may import. */
  readonly imports: ReadonlyMap<string, string>;
  /** Functions that a component may export; an interface is exported with all of its functions or not at all. */
  readonly exports: ReadonlyMap<string, string>;
}
