package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ConcurrentlyTest {
  /** Waits until it is interrupted, as a request does. */
  private static void hang(AtomicInteger ended) throws InterruptedIOException {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      ended.incrementAndGet();
      throw new InterruptedIOException("ended");
    }
  }

  @Test
  void doesAllOfMoreThanItHasThreadsFor() throws Exception {
    Set<Integer> done = ConcurrentHashMap.newKeySet();
    Concurrently.all(IntStream.range(0, 1000).boxed().toList(), done::add);
    assertThat(done).hasSize(1000);
    Concurrently.all(Set.<Integer>of(), done::add);
  }

  @Test
  void theFirstFailureEndsTheOthersAndIsToldWhereverItIs() {
    for (int bad : new int[] {0, 7, 31, 40}) {
      var ended = new AtomicInteger();
      var hanging = new CountDownLatch(Math.min(31, bad));
      assertThatThrownBy(
              () ->
                  Concurrently.all(
                      IntStream.range(0, 100).boxed().toList(),
                      n -> {
                        if (n == bad) {
                          await(hanging);
                          throw new IOException("number " + bad);
                        }
                        // Some are done before, so that all up to the bad one are begun.
                        if (bad < 32 || n >= 20) {
                          hanging.countDown();
                          hang(ended);
                        } else {
                          hanging.countDown();
                        }
                      }))
          .isInstanceOf(IOException.class)
          .hasMessage("number " + bad);
      assertThat(ended.get()).as("bad %d", bad).isLessThan(32);
    }
  }

  private static void await(CountDownLatch latch) throws InterruptedIOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new InterruptedIOException("ended too early");
    }
  }

  @Test
  void errorsAndUncheckedExceptionsStayWhatTheyAre() {
    assertThatThrownBy(
            () ->
                Concurrently.all(
                    Set.of(1, 2, 3),
                    n -> {
                      throw new IllegalStateException("bug");
                    }))
        .isExactlyInstanceOf(IllegalStateException.class);
  }

  @Test
  void anInterruptEndsAllAndReturnsOnlyThen() throws Exception {
    var begun = new CountDownLatch(3);
    var ended = new AtomicInteger();
    var seen = new AtomicReference<@Nullable Throwable>();
    Thread caller =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Concurrently.all(
                        Set.of(1, 2, 3),
                        n -> {
                          begun.countDown();
                          hang(ended);
                        });
                  } catch (IOException e) {
                    seen.set(e);
                  }
                });
    begun.await();
    caller.interrupt();
    assertThat(caller.join(Duration.ofSeconds(10))).isTrue();
    assertThat(seen.get()).isInstanceOf(InterruptedIOException.class);
    assertThat(ended).hasValue(3);
  }
}
