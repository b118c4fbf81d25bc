/** Code of the error of a look-up that led to an address which is not called. */
export const addressDenied = 'ERR_ADDRESS_DENIED';
