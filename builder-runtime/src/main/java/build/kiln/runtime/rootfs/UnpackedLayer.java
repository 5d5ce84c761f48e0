package build.kiln.runtime.rootfs;

import build.kiln.runtime.posix.Names;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A layer in a directory of its own, as an overlay's lower. */
record UnpackedLayer(Place place, Facts facts) {
  /**
   * What has to be known of the directory beside what is in it.
   *
   * @param rootDescribed whether the layer says what the root directory is like
   * @param rootOpaque whether nothing of lower layers shows; overlay does not look at a root's mark
   * @param implied directories that lower layers describe, if they have them
   * @param removing directories with whiteouts
   * @param skippedDevices how many devices the kernel would not make
   */
  record Facts(
      boolean rootDescribed,
      boolean rootOpaque,
      List<String> implied,
      List<String> removing,
      int skippedDevices) {
    Facts {
      implied = List.copyOf(implied);
      removing = List.copyOf(removing);
    }

    /** Whether what an overlay shows also depends on the layers below. */
    boolean needHelp() {
      return !implied.isEmpty() || !removing.isEmpty();
    }

    byte[] toBytes() throws IOException {
      var bytes = new ByteArrayOutputStream();
      var out = new DataOutputStream(bytes);
      out.writeBoolean(rootDescribed);
      out.writeBoolean(rootOpaque);
      write(implied, out);
      write(removing, out);
      out.writeInt(skippedDevices);
      return bytes.toByteArray();
    }

    static Facts of(byte[] bytes) throws IOException {
      var in = new DataInputStream(new ByteArrayInputStream(bytes));
      return new Facts(in.readBoolean(), in.readBoolean(), read(in), read(in), in.readInt());
    }

    private static void write(List<String> paths, DataOutputStream out) throws IOException {
      out.writeInt(paths.size());
      for (String path : paths) {
        byte[] name = Names.encode(path);
        out.writeInt(name.length);
        out.write(name);
      }
    }

    private static List<String> read(DataInputStream in) throws IOException {
      int count = in.readInt();
      List<String> paths = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        paths.add(Names.decode(in.readNBytes(in.readInt())));
      }
      return paths;
    }
  }
}
