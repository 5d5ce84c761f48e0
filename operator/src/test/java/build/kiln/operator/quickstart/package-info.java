/**
 * What {@code ./quickstart} runs: the operator's own code against fabric8's in-memory API server
 * and an embedded registry, builder pods as local processes. It lives among the tests because the
 * in-memory API server is a test dependency that must never get into the operator's image; the
 * script runs it on the test class path that the build writes to {@code
 * target/quickstart/classpath}.
 */
@NullMarked
package build.kiln.operator.quickstart;

import org.jspecify.annotations.NullMarked;
