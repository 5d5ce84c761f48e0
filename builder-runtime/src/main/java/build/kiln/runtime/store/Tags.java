package build.kiln.runtime.store;

import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.store.LocalStore.Tagged;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Names of images, as records whose value is a descriptor's JSON. */
final class Tags {
  private final Records records;

  Tags(LocalStore store, Path directory) {
    this.records = new Records(store, directory);
  }

  void put(Reference name, Descriptor descriptor) throws IOException {
    records.put(name.toString(), Json.write(descriptor, Descriptor.JSON));
  }

  Optional<Descriptor> get(Reference name) {
    return records.get(name.toString()).flatMap(value -> descriptor(name.toString(), value));
  }

  List<Tagged> list() throws IOException {
    return records.list().stream()
        .flatMap(
            record ->
                descriptor(record.key(), record.value())
                    .map(d -> new Tagged(Reference.parse(record.key()), d))
                    .stream())
        .sorted(Comparator.comparing(tagged -> tagged.name().toString()))
        .toList();
  }

  boolean remove(Reference name) throws IOException {
    return records.remove(name.toString());
  }

  /** A value of another version is no tag. */
  private static Optional<Descriptor> descriptor(String name, byte[] value) {
    try {
      return Optional.of(Json.read(value, Descriptor.JSON, "tag " + name));
    } catch (OciException e) {
      return Optional.empty();
    }
  }
}
