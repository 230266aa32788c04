/** The port of TLS where no listener has it. */
export function noTls(): Promise<never> {
  return Promise.reject(new Error("this test has no TLS"));
}
