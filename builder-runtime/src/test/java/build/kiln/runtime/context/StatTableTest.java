package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.posix.FileStatus;
import build.kiln.runtime.posix.FileType;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class StatTableTest {
  private static final long DEVICE = 77;

  private static FileStatus file(long inode, int nanos) {
    return new FileStatus(
        FileType.FILE, 0644, 0, 0, 5, 1_000, 1, 2_000, nanos, inode, DEVICE, 1, 0, 0);
  }

  private static StatTable.Entry entry(long inode, int nanos) {
    byte[] hash = ByteBuffer.allocate(32).putLong(inode).putInt(nanos).array();
    return new StatTable.Entry(file(inode, nanos), hash);
  }

  private static StatTable read(byte[] bytes) {
    return StatTable.of(ByteBuffer.wrap(bytes), DEVICE).orElseThrow();
  }

  @Test
  void everyEntryIsFoundAndNoOther() {
    List<StatTable.Entry> entries =
        LongStream.rangeClosed(1, 20_000).mapToObj(inode -> entry(inode * 8, 3)).toList();
    StatTable table = read(StatTable.empty(DEVICE).with(entries));
    for (StatTable.Entry entry : entries) {
      assertThat(table.find(entry.file())).contains(entry.sha256());
      assertThat(table.find(file(entry.file().inode() + 1, 3))).isEmpty();
      assertThat(table.find(file(entry.file().inode(), 4))).isEmpty();
    }
  }

  @Test
  void newEntriesReplaceOldOnesAndOthersStay() {
    byte[] first = StatTable.empty(DEVICE).with(List.of(entry(1, 1), entry(2, 1)));
    StatTable second = read(read(first).with(List.of(entry(2, 2), entry(3, 2))));
    assertThat(second.find(file(1, 1))).contains(entry(1, 1).sha256());
    assertThat(second.find(file(2, 1))).isEmpty();
    assertThat(second.find(file(2, 2))).contains(entry(2, 2).sha256());
    assertThat(second.find(file(3, 2))).contains(entry(3, 2).sha256());
  }

  @Test
  void anotherDeviceIsAnotherCache() {
    byte[] bytes = StatTable.empty(DEVICE).with(List.of(entry(1, 1)));
    assertThat(StatTable.of(ByteBuffer.wrap(bytes), DEVICE + 1)).isEmpty();
  }

  @Test
  void itDoesNotGrowForEver() {
    StatTable table = StatTable.empty(DEVICE);
    int most = 0;
    for (int round = 0; round < 4; round++) {
      long start = round * 100_000L + 1;
      byte[] bytes =
          table.with(
              LongStream.range(start, start + 100_000).mapToObj(inode -> entry(inode, 1)).toList());
      most = Math.max(most, bytes.length);
      table = read(bytes);
      assertThat(table.find(file(start, 1))).isPresent();
    }
    assertThat(most).isLessThan(31_000_000);
  }
}
