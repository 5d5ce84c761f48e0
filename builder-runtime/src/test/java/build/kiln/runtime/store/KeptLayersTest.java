package build.kiln.runtime.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.posix.DirectoryHandle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Unpacked layers of one folder that several stores have open, as several processes do. */
@Timeout(120)
class KeptLayersTest {
  private static final String MARKS = "user.overlay.";
  private static final Digest LAYER = Digest.ofBytes(new byte[] {1});
  private static final int STORES = 4;

  @TempDir Path dir;
  private final List<LocalStore> stores = new ArrayList<>();
  private final ExecutorService threads = Executors.newFixedThreadPool(STORES);
  private int number;

  @BeforeEach
  void open() throws IOException {
    reopen();
    assumeTrue(stores.getFirst().kept().of(MARKS).isPresent(), "this file system keeps no layers");
  }

  @AfterEach
  void close() throws IOException {
    closeStores();
    threads.shutdown();
  }

  private void closeStores() throws IOException {
    for (LocalStore store : stores) {
      store.close();
    }
    stores.clear();
  }

  private void reopen() throws IOException {
    closeStores();
    for (int i = 0; i < STORES; i++) {
      stores.add(LocalStore.open(dir.resolve("store")));
    }
  }

  /** All give it a directory at once; the inodes of what each is told is kept. */
  private List<Long> adopt() throws Exception {
    var start = new CyclicBarrier(STORES);
    var tasks = new ArrayList<Callable<Long>>();
    for (LocalStore store : stores) {
      String name = "own" + number++;
      Files.createDirectory(dir.resolve(name));
      KeptLayers mine = store.kept().of(MARKS).orElseThrow();
      tasks.add(
          () -> {
            try (var parent = DirectoryHandle.open(dir)) {
              start.await();
              var tree = mine.adopt(LAYER, parent, name, 0, new byte[0]).orElseThrow();
              try (var found = tree.base().openDirectory(tree.path())) {
                return found.status().inode();
              }
            }
          });
    }
    var inodes = new ArrayList<Long>();
    for (var told : threads.invokeAll(tasks)) {
      inodes.add(told.get());
    }
    return inodes;
  }

  private Path kept() throws IOException {
    var tree = stores.getFirst().kept().of(MARKS).orElseThrow().find(LAYER).orElseThrow();
    return tree.folder().resolve(tree.path());
  }

  /** What one has put there, the steps of another may see already. */
  @Test
  void ofSeveralWhoMendALayerNobodyLosesHis() throws Exception {
    adopt();
    for (int round = 0; round < 60; round++) {
      Files.delete(kept().resolveSibling(KeptLayers.ABOUT));
      List<Long> inodes = adopt();
      assertThat(inodes).containsOnly((Long) Files.getAttribute(kept(), "unix:ino"));
      reopen();
    }
  }
}
