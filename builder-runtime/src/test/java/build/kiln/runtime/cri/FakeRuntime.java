package build.kiln.runtime.cri;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A container runtime with images and containers in memory, that speaks CRI as containerd does: an
 * image goes with all of its names, whoever uses it, and its removal is no error if it is not
 * there.
 */
public final class FakeRuntime implements AutoCloseable {
  /** An image. */
  public record Image(
      String id, List<String> tags, List<String> digests, long size, boolean pinned) {}

  /**
   * A container.
   *
   * @param volumes images that it mounts
   */
  public record Container(
      String id, String image, String imageRef, String imageId, int state, List<String> volumes) {}

  /** Something that happens before an answer is made. */
  @FunctionalInterface
  public interface Hook {
    /** An error instead of the answer, or null. */
    @Nullable String before(String method, String argument);
  }

  public final Map<String, Image> images = new ConcurrentSkipListMap<>();
  public final Map<String, Container> containers = new ConcurrentSkipListMap<>();
  public final Map<String, String> sandboxes = new ConcurrentSkipListMap<>();
  public final Map<String, String> info = new ConcurrentSkipListMap<>();

  /** Methods with their arguments, in the order in which they were called. */
  public final List<String> calls = Collections.synchronizedList(new ArrayList<>());

  /** What it says that it is. */
  public volatile String name = "containerd";

  /** The status of errors about what is not there. */
  public volatile int notFound = 5;

  /** What it says of an image to who asks for that alone. */
  public volatile UnaryOperator<Image> status = image -> image;

  public volatile Hook hook = (method, argument) -> null;

  private final GrpcServer server;
  private final int errors;

  public FakeRuntime(Path socket) throws IOException {
    this(socket, 2);
  }

  /**
   * @param errors the status of errors
   */
  FakeRuntime(Path socket, int errors) throws IOException {
    this.server = new GrpcServer(socket, this::answer);
    this.errors = errors;
  }

  /** How it behaves on the wire. */
  GrpcServer server() {
    return server;
  }

  /** A pulled image with one tag. */
  public FakeRuntime pulled(String id, String name) {
    String repository = name.replaceFirst(":[^/:]*$", "");
    return with(new Image(id, List.of(name), List.of(repository + "@" + digest(id)), 1000, false));
  }

  public FakeRuntime with(Image image) {
    images.put(image.id(), image);
    return this;
  }

  /** A container as kubelet makes it. */
  public FakeRuntime container(String id, String imageId, int state) {
    containers.put(id, new Container(id, imageId, imageId, imageId, state, List.of()));
    return this;
  }

  /** An ID, of a letter or two. */
  public static String id(String letters) {
    return "sha256:" + hex(letters);
  }

  private static String hex(String letters) {
    StringBuilder hex = new StringBuilder();
    for (byte one : letters.getBytes(StandardCharsets.UTF_8)) {
      hex.append("%02x".formatted(one));
    }
    return "0".repeat(64 - hex.length()) + hex;
  }

  private static String digest(String id) {
    return "sha256:" + new StringBuilder(id.substring(7)).reverse();
  }

  private GrpcServer.Answer answer(String method, byte[] request) {
    String name = method.substring(method.lastIndexOf('/') + 1);
    String argument = argument(name, request);
    calls.add(argument.isEmpty() ? name : name + " " + argument);
    String error = hook.before(name, argument);
    if (error != null) {
      return GrpcServer.Answer.error(errors, error);
    }
    return switch (name) {
      case "Version" ->
          GrpcServer.Answer.of(
              new Proto().text(1, "0.1.0").text(2, this.name).text(3, "1.2.3").text(4, "v1"));
      case "ListImages" -> GrpcServer.Answer.of(all(images.values().stream().map(this::image)));
      case "ImageStatus" -> {
        Image image = find(argument);
        yield GrpcServer.Answer.of(
            image == null ? new Proto() : new Proto().message(1, image(status.apply(image))));
      }
      case "RemoveImage" -> {
        Image image = find(argument);
        if (image != null) {
          images.remove(image.id());
        }
        yield GrpcServer.Answer.of(new Proto());
      }
      case "ListContainers" ->
          GrpcServer.Answer.of(all(containers.values().stream().map(this::container)));
      case "ContainerStatus" -> {
        Container container = containers.get(argument);
        yield container == null
            ? GrpcServer.Answer.error(notFound, "container \"" + argument + "\": not found")
            : GrpcServer.Answer.of(new Proto().message(1, status(container)));
      }
      case "ListPodSandbox" ->
          GrpcServer.Answer.of(
              all(sandboxes.keySet().stream().map(id -> new Proto().text(1, id).number(3, 1))));
      case "PodSandboxStatus" -> {
        String info = sandboxes.get(argument);
        yield info == null
            ? GrpcServer.Answer.error(notFound, "not found")
            : GrpcServer.Answer.of(info(Map.of("info", info)));
      }
      case "Status" -> GrpcServer.Answer.of(info(info));
      default -> GrpcServer.Answer.error(12, "unknown method " + name);
    };
  }

  private @Nullable Image find(String name) {
    return images.values().stream()
        .filter(
            image ->
                image.id().equals(name)
                    || image.tags().contains(name)
                    || image.digests().contains(name))
        .findFirst()
        .orElse(null);
  }

  /** The only texts in requests: an ID, or an image's spec with one. */
  private static String argument(String method, byte[] request) {
    if (request.length == 0 || method.equals("Status")) {
      return "";
    }
    boolean spec = method.endsWith("Image") || method.equals("ImageStatus");
    int start = spec ? 4 : 2;
    return new String(request, start, request[start - 1] & 0xFF, StandardCharsets.UTF_8);
  }

  private static Proto all(Stream<Proto> messages) {
    Proto all = new Proto();
    messages.forEach(message -> all.message(1, message));
    return all;
  }

  private Proto image(Image image) {
    Proto proto = new Proto().text(1, image.id());
    image.tags().forEach(tag -> proto.text(2, tag));
    image.digests().forEach(digest -> proto.text(3, digest));
    return proto
        .number(4, image.size())
        .message(5, new Proto().number(1, 1000))
        .text(6, "user")
        .number(8, image.pinned() ? 1 : 0);
  }

  private Proto container(Container container) {
    return new Proto()
        .text(1, container.id())
        .text(2, "sandbox")
        .message(3, new Proto().text(1, "app").number(2, 3))
        .message(4, new Proto().text(1, container.image()))
        .text(5, container.imageRef())
        .number(6, container.state())
        .number(7, 1_700_000_000_000_000_000L)
        .message(8, entry("io.kubernetes.pod.name", "pod-" + container.id()))
        .message(8, entry("io.kubernetes.pod.namespace", "shop"))
        .message(8, entry("io.kubernetes.container.name", "app"))
        .text(10, container.imageId());
  }

  private Proto status(Container container) {
    Proto status = new Proto().text(1, container.id());
    status.message(14, new Proto().text(1, "/etc/hosts").text(2, "/var/hosts").number(3, 1));
    for (String volume : container.volumes()) {
      status.message(
          14, new Proto().text(1, "/data").number(3, 1).message(9, new Proto().text(1, volume)));
    }
    return status;
  }

  private static Proto info(Map<String, String> info) {
    Proto proto = new Proto().message(1, new Proto());
    info.forEach((key, value) -> proto.message(2, entry(key, value)));
    return proto;
  }

  private static Proto entry(String key, String value) {
    return new Proto().text(1, key).text(2, value);
  }

  /** What was called, without the calls that only look. */
  public List<String> removals() {
    return new ArrayList<>(calls.stream().filter(call -> call.startsWith("RemoveImage")).toList());
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  /** Protocol buffers, written by other code than that which is tested. */
  static final class Proto {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Proto text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Proto message(int field, Proto value) {
      return bytes(field, value.out.toByteArray());
    }

    Proto number(int field, long value) {
      varint(field * 8L);
      varint(value);
      return this;
    }

    byte[] bytes() {
      return out.toByteArray();
    }

    private Proto bytes(int field, byte[] value) {
      varint(field * 8L + 2);
      varint(value.length);
      out.writeBytes(value);
      return this;
    }

    private void varint(long value) {
      for (long rest = value; ; rest >>>= 7) {
        if (rest >= 0 && rest < 128) {
          out.write((int) rest);
          return;
        }
        out.write((int) (rest % 128 | 128));
      }
    }
  }
}
