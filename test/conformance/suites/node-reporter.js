// A reporter for `node --test`: a line of JSON for each test, with its file, so that two runs can be compared.

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const { name, file, details, skip, todo } = data
    // That a file has ended is no test; neither is a group of them.
    if (details?.type === 'suite' || skip !== undefined || todo !== undefined) continue
    yield `${JSON.stringify({ file, name, passed: type === 'test:pass' })}\n`
  }
}
