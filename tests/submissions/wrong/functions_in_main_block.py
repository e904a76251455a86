import torch

if __name__ == '__main__':


    def get_objective_term(x, V, W, b, a):
        z = torch.relu(x @ V + b)
        x_hat = z @ W + a
        return ((x - x_hat) ** 2).sum(dim=1).mean()


    def reconstruct(x, V, W, b, a):
        z = torch.relu(x @ V + b)
        x_hat = z @ W + a
        return x_hat.view(-1, 28, 28)


    def anomaly_score(x, reconstruction):
        return ((x - reconstruction) ** 2).sum(dim=1)

