/** One thing that is wrong with the configuration. All faults of a load are gathered into one InputError. */
export class ConfigFault extends Error {
  readonly place: string;
  readonly expected: string;
  readonly came: string;

  /**
   * @param place     what is wrong: `--port`, `KERUTA_TIMEOUT`, `api.url (/etc/keruta/config.yaml:3)`
   * @param expected  what was expected there
   * @param came      what stands there, safe to show
   */
  constructor(place: string, expected: string, came: string) {
    super(`${place}: expected ${expected}, got ${came}`);
    this.name = 'ConfigFault';
    this.place = place;
    this.expected = expected;
    this.came = came;
  }
}
