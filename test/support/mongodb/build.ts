import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildFolder, classFolder, jarFolder, sourceFolder } from './built-server.ts'

// Makes a server that speaks MongoDB's protocol, for the suites that need one: mongo-java-server by Maven
// and a JDK of at least 17 (`apt-get install default-jdk-headless maven`). Without them those suites are
// skipped by name. FerretDB 1.24 was tried first and will not do: two clients that replace a document at one
// version both succeed, it refuses partial indexes, and it reads the whole collection for every query.

const run = (program: string, ...args: readonly string[]): void => {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (status === 0) return
  process.stderr.write(`${program} did not succeed${error ? `: ${error.message}` : ''}.\n`)
  process.stderr.write('The MongoDB server for tests needs Maven and a JDK of at least 17.\n')
  process.exit(1)
}

rmSync(buildFolder, { recursive: true, force: true })
mkdirSync(classFolder, { recursive: true })
run(
  'mvn',
  ...['-q', '-B', '-f', join(sourceFolder, 'pom.xml')],
  'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
  ...[`-DoutputDirectory=${jarFolder}`, '-DincludeScope=runtime'],
)
run(
  'javac',
  ...['--release', '17', '-cp', join(jarFolder, '*'), '-d', classFolder],
  ...globSync('**/*.java', { cwd: sourceFolder }).map((file) => join(sourceFolder, file)),
)
