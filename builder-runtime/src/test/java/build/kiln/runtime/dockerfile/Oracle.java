package build.kiln.runtime.dockerfile;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.Callable;

/**
 * What holds for every input, whatever it is: it is taken, or refused at a place that is in it, and
 * that soon.
 */
public final class Oracle {
  private static final Duration LONGEST = Duration.ofSeconds(1);

  private Oracle() {}

  /**
   * Does something with an input that may refuse it.
   *
   * @throws AssertionError if a refusal has no place, or it takes more than a second of this
   *     thread's time
   */
  public static void holds(Callable<?> action) throws Exception {
    long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    quietly(action);
    long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start;
    assertThat(Duration.ofNanos(nanos)).isLessThan(LONGEST);
  }

  /** The same for a part of an input's use, after which others come. */
  public static void quietly(Callable<?> action) throws Exception {
    try {
      action.call();
    } catch (DockerfileException e) {
      assertThat(e.problems()).isNotEmpty();
      e.problems().forEach(Oracle::located);
    }
  }

  private static void located(Problem problem) {
    SourceRange range = problem.range();
    SourceFile source = range.source();
    assertThat(range.endLine()).as(problem.summary()).isBetween(1, lines(source));
    assertThat(range.startColumn()).isBetween(1, columns(source, range.startLine()));
    assertThat(range.endColumn()).isBetween(1, columns(source, range.endLine()));
    assertThat(problem.message()).isNotBlank();
    assertThat(problem.render()).contains("^").contains(problem.message());
  }

  /** An empty file's problems are in its first line. */
  private static int lines(SourceFile source) {
    return Math.max(1, source.lineCount());
  }

  /** Behind the last character is a place too. */
  private static int columns(SourceFile source, int line) {
    String text = source.line(line);
    return text.codePointCount(0, text.length()) + 1;
  }
}
