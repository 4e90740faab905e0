"""What stoker.torch and stoker.fastai are made of."""
