package build.kiln.runtime.prune;

import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is used again for a while, or for as long as getting it took, if that is longer.
 * Time is counted by a ticker, since clocks are set back. Not thread-safe.
 */
public final class Fresh<T> {
  /** Asks. */
  @FunctionalInterface
  public interface Question<T> {
    T ask() throws IOException;
  }

  private final Duration least;
  private final LongSupplier nanoTime;
  private final Question<T> question;

  private @Nullable T answer;
  private long end;

  /**
   * @param nanoTime as {@link System#nanoTime}
   */
  public Fresh(Duration least, LongSupplier nanoTime, Question<T> question) {
    this.least = least;
    this.nanoTime = nanoTime;
    this.question = question;
  }

  /** The last answer, or a new one if that is too old; what fails is asked again. */
  public T get() throws IOException {
    long start = nanoTime.getAsLong();
    T known = answer;
    if (known != null && start - end < 0) {
      return known;
    }
    T found = question.ask();
    long now = nanoTime.getAsLong();
    end = now + Math.max(least.toNanos(), now - start);
    answer = found;
    return found;
  }
}
