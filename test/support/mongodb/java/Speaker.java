import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.QuickBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Speaks MongoDB's protocol on a loopback port: `java Speaker DIRECTORY PORT`. Keeps its data in the directory. */
public final class Speaker {
  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    Files.createDirectories(directory);
    QuickBackend backend = new QuickBackend(directory.resolve("data.mv").toString());
    backend.version(new OldestThatDriversTake());
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(arguments[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println(server.getLocalAddress().getPort());
    // Whoever started this holds its standard input: when that ends, so does this.
    while (System.in.read() != -1) {}
    System.exit(0);
  }

  /** MongoDB 4.4: the library's own versions are those of protocols that drivers do not speak any more. */
  private static final class OldestThatDriversTake implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  }
}
