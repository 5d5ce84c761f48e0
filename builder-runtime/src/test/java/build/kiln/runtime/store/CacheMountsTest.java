package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import build.kiln.runtime.store.CacheMounts.Lease;
import build.kiln.runtime.store.CacheMounts.Use;
import build.kiln.runtime.store.CacheMounts.Wanted;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class CacheMountsTest {
  @TempDir Path folder;
  private CacheMounts caches;

  @BeforeEach
  void make() {
    caches = new CacheMounts(folder.resolve("caches"), new StoreLock(folder.resolve("lock")));
  }

  private Lease open(Use use) throws IOException, InterruptedException {
    return open(use, () -> {});
  }

  private Lease open(Use use, Runnable waiting) throws IOException, InterruptedException {
    return caches.open(
        new Wanted("k", "id", use), (parent, name) -> parent.makeDirectory(name, 0755), waiting);
  }

  @Test
  void isMadeOnceAndForNobodyElse() throws Exception {
    var made = new AtomicInteger();
    for (int i = 0; i < 3; i++) {
      try (Lease lease =
          caches.open(
              new Wanted("k", "some id", Use.SHARED),
              (parent, name) -> {
                made.incrementAndGet();
                parent.makeDirectory(name, 0750);
              },
              () -> {})) {
        assertThat(lease.content()).isDirectory();
      }
    }
    assertThat(made).hasValue(1);
    assertThat(folder.resolve("caches/k/id")).hasContent("some id");
    assertThat(Files.getPosixFilePermissions(folder.resolve("caches"))).hasSize(3);
  }

  @Test
  void whatCannotBeMadeIsNotThere() throws Exception {
    assertThatThrownBy(
            () ->
                caches.open(
                    new Wanted("k", "id", Use.LOCKED),
                    (parent, name) -> {
                      parent.makeDirectory(name, 0755);
                      throw new IOException("disk full");
                    },
                    () -> {}))
        .hasMessage("disk full");
    try (Lease lease = open(Use.LOCKED)) {
      assertThat(lease.content()).isEmptyDirectory();
    }
  }

  /** As a builder leaves it that is killed between the two names. */
  @Test
  void whatWasBeingReplacedComesBack() throws Exception {
    try (Lease lease = open(Use.LOCKED)) {
      Files.writeString(lease.content().resolve("f"), "old");
    }
    Path content = folder.resolve("caches/k/0");
    Files.move(content, folder.resolve("caches/k/0~old"));
    Files.createDirectories(folder.resolve("caches/k/0~/half"));

    try (Lease lease = open(Use.SHARED)) {
      assertThat(lease.content()).isDirectoryContaining("glob:**/f");
    }
    try (Lease lease = open(Use.LOCKED)) {
      lease.replace(
          (parent, name) -> {
            parent.makeDirectory(name, 0755);
            Files.writeString(folder.resolve("caches/k").resolve(name).resolve("g"), "new");
          });
      assertThat(lease.content().resolve("g")).hasContent("new");
    }
    try (Stream<Path> left = Files.list(folder.resolve("caches/k"))) {
      assertThat(left.map(Path::getFileName).map(Path::toString))
          .containsExactlyInAnyOrder("0", "0.lock", "id");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LOCKED,LOCKED",
    "LOCKED,SHARED",
    "SHARED,LOCKED",
    "PRIVATE,LOCKED",
    "PRIVATE,SHARED"
  })
  void oneWaitsForTheOther(Use first, Use second) throws Exception {
    var waiting = new CountDownLatch(1);
    CompletableFuture<Path> other;
    try (Lease lease = open(first)) {
      other = openElsewhere(second, waiting::countDown);
      assertThat(waiting.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(other).isNotDone();
      assertThat(lease.content()).isDirectory();
    }
    assertThat(other.get(20, TimeUnit.SECONDS)).isDirectory();
  }

  private CompletableFuture<Path> openElsewhere(Use use, Runnable waiting) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (Lease lease = open(use, waiting)) {
            return lease.content();
          } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
          }
        },
        command -> Thread.ofVirtual().start(command));
  }

  @Test
  void sharedIsTogetherAndPrivateIsAnother() throws Exception {
    try (Lease first = open(Use.SHARED);
        Lease second = open(Use.SHARED);
        Lease third = open(Use.PRIVATE);
        Lease fourth = open(Use.PRIVATE)) {
      assertThat(second.content()).isEqualTo(first.content());
      assertThat(List.of(first.content(), third.content(), fourth.content()))
          .doesNotHaveDuplicates();
    }
    try (Lease again = open(Use.PRIVATE);
        Lease more = open(Use.PRIVATE)) {
      assertThat(again.content()).isEqualTo(folder.resolve("caches/k/0"));
      assertThat(more.content()).isEqualTo(folder.resolve("caches/k/1"));
    }
  }

  @Test
  void lockedIsOneAtATimeWhateverHappens() throws Exception {
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 20; i++) {
        threads.submit(
            () -> {
              try (Lease lease = open(Use.LOCKED)) {
                most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                Files.writeString(
                    lease.content().resolve("f"),
                    "x".repeat(ThreadLocalRandom.current().nextInt(100_000)));
                inside.decrementAndGet();
              }
              return null;
            });
      }
    }
    assertThat(most).hasValue(1);
  }

  @Test
  void anInterruptEndsTheWaiting() throws Exception {
    try (Lease lease = open(Use.LOCKED)) {
      assertThat(lease.content()).isDirectory();
      var ended = new CompletableFuture<Object>();
      Thread waiter =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      ended.complete(open(Use.LOCKED));
                    } catch (IOException | InterruptedException e) {
                      ended.complete(e);
                    }
                  });
      waiter.interrupt();
      assertThat(ended.get(20, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
    }
  }

  /** Another process has it by flock(1), and dies. */
  @Test
  void otherProcessesCount() throws Exception {
    open(Use.LOCKED).close();
    Path lock = folder.resolve("caches/k/0.lock");
    Process other =
        new ProcessBuilder(
                "flock", "-x", lock.toString(), "sh", "-c", "echo has it; exec sleep 100")
            .start();
    try (BufferedReader out = other.inputReader()) {
      assertThat(out.readLine()).isEqualTo("has it");
      var waiting = new CountDownLatch(1);
      CompletableFuture<Path> mine = openElsewhere(Use.SHARED, waiting::countDown);
      assertThat(waiting.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(mine).isNotDone();
      other.descendants().forEach(ProcessHandle::destroyForcibly);
      other.destroyForcibly();
      await().until(mine::isDone);
      assertThat(mine.get()).isDirectory();
    }
  }
}
