package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConcurrentlyTest {
  private static final List<Integer> MANY = IntStream.range(0, 500).boxed().toList();

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new InterruptedIOException("ended");
    }
  }

  @Test
  void allIsDoneOnceAndNoMoreAtOnceThanIsSaid() throws IOException {
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Queue<Integer> done = new ConcurrentLinkedQueue<>();

    Concurrently.all(
        MANY,
        3,
        thing -> {
          most.accumulateAndGet(now.incrementAndGet(), Math::max);
          done.add(thing);
          now.decrementAndGet();
        });

    assertThat(done).containsExactlyInAnyOrderElementsOf(MANY);
    assertThat(most.get()).isBetween(1, 3);
  }

  @Test
  void nothingIsDoneAtOnce() throws IOException {
    Concurrently.all(List.of(), thing -> assertThat(thing).isNull());
  }

  @Test
  void theFirstFailureEndsTheOthersAndWaitsForThem() {
    CountDownLatch atIt = new CountDownLatch(3);
    CountDownLatch never = new CountDownLatch(1);
    AtomicInteger ended = new AtomicInteger();

    assertThatThrownBy(
            () ->
                Concurrently.all(
                    List.of(1, 2, 3, 4, 5, 6),
                    4,
                    thing -> {
                      if (thing == 4) {
                        await(atIt);
                        throw new IOException("the fourth");
                      }
                      atIt.countDown();
                      try {
                        await(never);
                      } finally {
                        ended.incrementAndGet();
                      }
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("the fourth");
    assertThat(ended.get()).as("the fifth and the sixth are not begun").isEqualTo(3);
  }

  @Test
  void anInterruptEndsAllOfIt() throws Exception {
    CountDownLatch atIt = new CountDownLatch(2);
    CountDownLatch never = new CountDownLatch(1);
    AtomicInteger ended = new AtomicInteger();
    AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
    Thread caller =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    Concurrently.all(
                        List.of(1, 2),
                        thing -> {
                          atIt.countDown();
                          try {
                            await(never);
                          } finally {
                            ended.incrementAndGet();
                          }
                        });
                  } catch (IOException e) {
                    thrown.set(e);
                  }
                });
    atIt.await();

    caller.interrupt();
    caller.join();

    assertThat(thrown.get()).isInstanceOf(InterruptedIOException.class);
    assertThat(ended.get()).isEqualTo(2);
  }

  @Test
  void whatWaitsForOthersDoesNotKeepThemFromBeingDone() throws IOException {
    AtomicInteger done = new AtomicInteger();

    Concurrently.all(
        MANY.subList(0, 40),
        outer -> Concurrently.all(MANY.subList(0, 40), inner -> done.incrementAndGet()));

    assertThat(done.get()).isEqualTo(1600);
  }

  @Test
  void aThreadThatWasInterruptedDoesTheNextWorkUndisturbed() throws IOException {
    for (int round = 0; round < 200; round++) {
      assertThatThrownBy(
              () ->
                  Concurrently.all(
                      MANY.subList(0, 8),
                      8,
                      thing -> {
                        throw new IOException("at once");
                      }))
          .hasMessage("at once");
      Concurrently.all(
          MANY.subList(0, 8),
          8,
          thing -> assertThat(Thread.currentThread().isInterrupted()).isFalse());
    }
  }

  @Test
  void errorsAndUncheckedExceptionsStayWhatTheyAre() {
    assertThatThrownBy(
            () ->
                Concurrently.all(
                    List.of(1, 2, 3),
                    thing -> {
                      throw new IllegalStateException("bug");
                    }))
        .isExactlyInstanceOf(IllegalStateException.class);
  }
}
