/** What GitHub sends for a pull request, cut to what the example reads; after the example of its documentation. */
export const webhooks = {
  pullRequest: (action: string) => ({
    action,
    number: 2,
    pull_request: {
      number: 2,
      title: 'Update the README with new information.',
      body: 'This is a pretty simple change that we need to pull into main.',
      state: action === 'closed' ? 'closed' : 'open',
      draft: false,
      merged: false,
      user: { login: 'Codertocat', id: 21_031_067 },
    },
    repository: { id: 186_853_002, name: 'Hello-World', full_name: 'Codertocat/Hello-World' },
    sender: { login: 'Codertocat', id: 21_031_067 },
  }),
};
