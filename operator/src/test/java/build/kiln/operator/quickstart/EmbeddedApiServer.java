package build.kiln.operator.quickstart;

import build.kiln.api.v1alpha1.ImageBuild;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.CustomResourceDefinitionContext;
import io.fabric8.kubernetes.client.server.mock.KubernetesMixedDispatcher;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.mockwebserver.Context;
import io.fabric8.mockwebserver.MockWebServer;
import io.fabric8.mockwebserver.ServerRequest;
import io.fabric8.mockwebserver.ServerResponse;
import io.fabric8.mockwebserver.http.Dispatcher;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * fabric8's in-memory API server on a loopback port, with the discovery that kubectl needs. It
 * knows no server-side apply, defaults, CEL or tables: for those there is a real cluster. What a
 * cluster's controllers do, {@link LocalCluster} adds.
 */
public final class EmbeddedApiServer implements AutoCloseable {
  /** Held here, or a collected logger would forget its level and print a line for each request. */
  private static final Logger REQUESTS = Logger.getLogger(MockWebServer.class.getName());

  private final KubernetesMockServer server;
  private final KubernetesClient client;

  private EmbeddedApiServer(KubernetesMockServer server) {
    this.server = server;
    this.client = server.createClient();
  }

  /**
   * Starts a server with the namespace {@code default}.
   *
   * @param port on loopback; 0 takes a free one
   */
  public static EmbeddedApiServer start(int port) {
    return start(port, UnaryOperator.identity());
  }

  /** Starts a server that serves the logs of pods too. */
  static EmbeddedApiServer start(int port, PodLogFiles logs) {
    return start(port, next -> new PodLogEndpoint(logs, next));
  }

  /**
   * Starts a server.
   *
   * @param more what else answers: given what knows the resources, what is asked first
   */
  public static EmbeddedApiServer start(int port, UnaryOperator<Dispatcher> more) {
    REQUESTS.setLevel(Level.WARNING);
    Map<ServerRequest, Queue<ServerResponse>> responses = new HashMap<>();
    var imageBuild = CustomResourceDefinitionContext.fromCustomResourceType(ImageBuild.class);
    var crud = new KubernetesMixedDispatcher(responses, List.of(imageBuild));
    var server =
        new KubernetesMockServer(
            new Context(),
            new MockWebServer(),
            responses,
            new Discovery(ServedResource.all(), more.apply(new EventSelection(crud))),
            false);
    server.init(InetAddress.getLoopbackAddress(), port);
    var api = new EmbeddedApiServer(server);
    api.client
        .namespaces()
        .resource(
            new NamespaceBuilder().withNewMetadata().withName("default").endMetadata().build())
        .create();
    return api;
  }

  /** A client of this server; closed with it. */
  public KubernetesClient client() {
    return client;
  }

  /** Where it listens. */
  public URI uri() {
    return URI.create("http://127.0.0.1:" + server.getPort());
  }

  /** Writes a kubeconfig by which kubectl finds this server. */
  public Path writeKubeconfig(Path file) throws IOException {
    return Files.writeString(
        file,
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: kiln, cluster: {server: "%s"}}]
        users: [{name: kiln, user: {}}]
        contexts: [{name: kiln, context: {cluster: kiln, user: kiln, namespace: default}}]
        current-context: kiln
        """
            .formatted(uri()));
  }

  @Override
  public void close() {
    client.close();
    server.destroy();
  }
}
