// A reporter for mocha, of any version: a line of JSON for each test, as node-reporter.js writes them.

const { appendFileSync } = require('node:fs')

module.exports = function Reporter(runner, { reporterOption, reporterOptions }) {
  const { output } = reporterOption ?? reporterOptions
  const note = (passed) => (test) => {
    const line = JSON.stringify({ file: test.file, name: test.fullTitle(), passed })
    // At once: mocha is told not to wait for what is left open.
    appendFileSync(output, `${line}\n`)
  }
  runner.on('pass', note(true))
  runner.on('fail', note(false))
}
