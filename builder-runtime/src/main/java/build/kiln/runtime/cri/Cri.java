package build.kiln.runtime.cri;

import build.kiln.runtime.cri.CriException.Code;
import java.io.Closeable;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A node's container runtime, by {@code runtime.v1} of CRI. Calls are made one after the other;
 * after one that failed with another code than NOT_FOUND or REFUSED no other can be made.
 */
public final class Cri implements Closeable {
  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final String IMAGES = "/runtime.v1.ImageService/";
  private static final String RUNTIME = "/runtime.v1.RuntimeService/";
  private static final List<String> STATES = List.of("created", "running", "exited", "unknown");

  private final Path socket;
  private final GrpcChannel channel;

  private Cri(Path socket, GrpcChannel channel) {
    this.socket = socket;
    this.channel = channel;
  }

  /**
   * @throws CriException UNREACHABLE
   */
  public static Cri open(Path socket) throws CriException {
    return open(socket, TIMEOUT);
  }

  /**
   * @param timeout of each call
   */
  static Cri open(Path socket, Duration timeout) throws CriException {
    return new Cri(socket, GrpcChannel.open(socket, timeout));
  }

  /** Name and version of the runtime, such as {@code containerd 2.1.4}. */
  public String runtime() throws IOException {
    return read(
        "ask for the version",
        RUNTIME + "Version",
        new ProtoWriter(),
        answer -> {
          String name = "";
          String version = "";
          while (answer.next()) {
            switch (answer.field()) {
              case 2 -> name = answer.text();
              case 3 -> version = answer.text();
              default -> {}
            }
          }
          return name + " " + version;
        });
  }

  /** All images. */
  public List<CriImage> images() throws IOException {
    return read(
        "list images",
        IMAGES + "ListImages",
        new ProtoWriter(),
        answer -> {
          List<CriImage> images = new ArrayList<>();
          while (answer.next()) {
            if (answer.field() == 1) {
              images.add(image(answer.message()));
            }
          }
          return images;
        });
  }

  /** One image; empty if it is not there. */
  public Optional<CriImage> image(String id) throws IOException {
    return read(
        "look at image " + id,
        IMAGES + "ImageStatus",
        new ProtoWriter().message(1, spec(id)),
        answer -> {
          Optional<CriImage> image = Optional.empty();
          while (answer.next()) {
            if (answer.field() == 1) {
              image = Optional.of(image(answer.message()));
            }
          }
          return image.filter(found -> !found.id().isEmpty());
        });
  }

  /**
   * Removes an image with all of its names. It is no error if it is not there. Whether it is
   * refused while a container uses it depends on the runtime: containerd does not refuse.
   */
  public void remove(String id) throws IOException {
    read(
        "remove image " + id,
        IMAGES + "RemoveImage",
        new ProtoWriter().message(1, spec(id)),
        answer -> id);
  }

  /** All containers, those that have exited too. */
  public List<CriContainer> containers() throws IOException {
    return read(
        "list containers",
        RUNTIME + "ListContainers",
        new ProtoWriter(),
        answer -> {
          List<CriContainer> containers = new ArrayList<>();
          while (answer.next()) {
            if (answer.field() == 1) {
              containers.add(container(answer.message()));
            }
          }
          return containers;
        });
  }

  /** The images that a container mounts as volumes; none if it is gone. */
  public List<String> imageVolumes(String container) throws IOException {
    try {
      return read(
          "look at container " + container,
          RUNTIME + "ContainerStatus",
          new ProtoWriter().text(1, container),
          answer -> {
            List<String> images = new ArrayList<>();
            while (answer.next()) {
              if (answer.field() == 1) {
                mounts(answer.message(), images);
              }
            }
            return images;
          });
    } catch (CriException e) {
      if (e.code() == Code.NOT_FOUND) {
        return List.of();
      }
      throw e;
    }
  }

  /** The IDs of all pods' sandboxes. */
  public List<String> sandboxes() throws IOException {
    return read(
        "list pods",
        RUNTIME + "ListPodSandbox",
        new ProtoWriter(),
        answer -> {
          List<String> ids = new ArrayList<>();
          while (answer.next()) {
            if (answer.field() == 1) {
              ids.add(firstText(answer.message()));
            }
          }
          return ids;
        });
  }

  /** What the runtime tells of a sandbox besides: JSON by name; nothing if it is gone. */
  public Map<String, String> sandboxInfo(String sandbox) throws IOException {
    try {
      return read(
          "look at pod " + sandbox,
          RUNTIME + "PodSandboxStatus",
          new ProtoWriter().text(1, sandbox).flag(2, true),
          Cri::info);
    } catch (CriException e) {
      if (e.code() == Code.NOT_FOUND) {
        return Map.of();
      }
      throw e;
    }
  }

  /** What the runtime tells of itself: JSON, or the runtime's own format, by name. */
  public Map<String, String> info() throws IOException {
    return read(
        "ask for the status", RUNTIME + "Status", new ProtoWriter().flag(1, true), Cri::info);
  }

  /** Makes something of an answer. */
  @FunctionalInterface
  private interface Reader<T> {
    T read(ProtoReader answer) throws ProtocolException;
  }

  private <T> T read(String doing, String method, ProtoWriter request, Reader<T> reader)
      throws IOException {
    ByteBuffer answer = channel.call(doing, method, request.bytes());
    try {
      return reader.read(new ProtoReader(answer));
    } catch (ProtocolException e) {
      throw new CriException(
          Code.INVALID,
          "tried to %s but the answer of the container runtime at %s is damaged: %s"
              .formatted(doing, socket, e.getMessage()),
          e);
    }
  }

  private static ProtoWriter spec(String id) {
    return new ProtoWriter().text(1, id);
  }

  private static CriImage image(ProtoReader in) throws ProtocolException {
    String id = "";
    List<String> tags = new ArrayList<>();
    List<String> digests = new ArrayList<>();
    long size = 0;
    boolean pinned = false;
    while (in.next()) {
      switch (in.field()) {
        case 1 -> id = in.text();
        case 2 -> tags.add(in.text());
        case 3 -> digests.add(in.text());
        case 4 -> size = in.number();
        case 8 -> pinned = in.flag();
        default -> {}
      }
    }
    return new CriImage(id, tags, digests, size, pinned);
  }

  private static CriContainer container(ProtoReader in) throws ProtocolException {
    String id = "";
    List<String> images = new ArrayList<>();
    Map<String, String> labels = new HashMap<>();
    int state = 0;
    while (in.next()) {
      switch (in.field()) {
        case 1 -> id = in.text();
        case 4 -> spec(in.message(), images);
        case 5, 10 -> images.add(in.text());
        case 6 -> state = (int) in.number();
        case 8 -> entry(in.message(), labels);
        default -> {}
      }
    }
    images.removeIf(String::isEmpty);
    return new CriContainer(
        id,
        images,
        name(id, labels),
        state >= 0 && state < STATES.size() ? STATES.get(state) : "unknown");
  }

  private static String name(String id, Map<String, String> labels) {
    String pod = labels.get("io.kubernetes.pod.name");
    return pod == null
        ? "container " + id
        : "container %s of pod %s/%s"
            .formatted(
                labels.getOrDefault("io.kubernetes.container.name", id),
                labels.getOrDefault("io.kubernetes.pod.namespace", "?"),
                pod);
  }

  /** Both what the runtime made of an image's name and what the user wrote. */
  private static void spec(ProtoReader in, List<String> images) throws ProtocolException {
    while (in.next()) {
      if (in.field() == 1 || in.field() == 18) {
        images.add(in.text());
      }
    }
  }

  private static void mounts(ProtoReader status, List<String> images) throws ProtocolException {
    while (status.next()) {
      if (status.field() == 14) {
        ProtoReader mount = status.message();
        while (mount.next()) {
          if (mount.field() == 9) {
            spec(mount.message(), images);
          }
        }
      }
    }
    images.removeIf(String::isEmpty);
  }

  private static Map<String, String> info(ProtoReader answer) throws ProtocolException {
    Map<String, String> info = new HashMap<>();
    while (answer.next()) {
      if (answer.field() == 2) {
        entry(answer.message(), info);
      }
    }
    return info;
  }

  private static void entry(ProtoReader in, Map<String, String> to) throws ProtocolException {
    String key = "";
    String value = "";
    while (in.next()) {
      switch (in.field()) {
        case 1 -> key = in.text();
        case 2 -> value = in.text();
        default -> {}
      }
    }
    to.put(key, value);
  }

  private static String firstText(ProtoReader in) throws ProtocolException {
    String text = "";
    while (in.next()) {
      if (in.field() == 1) {
        text = in.text();
      }
    }
    return text;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
