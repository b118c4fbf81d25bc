// The baseline of a command outside a run: bare Node making the same HTTP request.
const { request } = require('node:http');

const body = JSON.stringify({ status: 'PROCESSING', progress: 50 });
const url = `${process.env.KERUTA_API_URL}/api/v1/tasks/${process.env.KERUTA_TASK_ID}/status`;
const headers = {
  authorization: `Bearer ${process.env.KERUTA_API_TOKEN}`,
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
};
request(url, { method: 'PUT', headers, agent: false }, (answer) => {
  answer.resume();
  answer.on('end', () => process.exit(answer.statusCode === 200 ? 0 : 1));
}).end(body);
